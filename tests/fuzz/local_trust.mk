fuzz_targets += tests/fuzz/fuzz_dkim \
	tests/fuzz/fuzz_dmarc \
	tests/fuzz/fuzz_results \
	tests/fuzz/fuzz_spf
tests_fuzz_fuzz_dkim_SOURCES = tests/fuzz/fuzz_dkim.c
tests_fuzz_fuzz_dmarc_SOURCES = tests/fuzz/fuzz_dmarc.c
tests_fuzz_fuzz_results_SOURCES = tests/fuzz/fuzz_results.c
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c
