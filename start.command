#!/bin/sh
# For a double click on macOS, whose Finder opens files of this ending in a terminal.
exec "$(dirname "$0")/start.sh" "$@"
