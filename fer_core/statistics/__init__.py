"""What tables say of people, events and conditions; the unit of every comparison is the participant."""
