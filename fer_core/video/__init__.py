"""Clips and pictures: reading, writing, time stamps, sound, shot detection."""
