.PHONY: lint types audit test ci

lint:
	ruff check .
	ruff format --check .

types:
	mypy

audit:
	python .ci/audit.py

test:
	pytest

ci: lint types audit test
