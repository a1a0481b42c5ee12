# The state-tracking stress, a program of its own; see stress.h.
stress_programs += tests/stress/stress
tests_stress_stress_SOURCES = tests/stress/stress.h tests/stress/answer.c \
	tests/stress/checkpoint.c tests/stress/command.c \
	tests/stress/content.c tests/stress/main.c tests/stress/outside.c \
	tests/stress/read.c tests/stress/view.c tests/stress/wire.c \
	tests/stress/world.c
