libpostern_la_SOURCES += \
	src/trust/arc.c src/trust/arc.h src/trust/arc_seal.c \
	src/trust/authors.c src/trust/authors.h \
	src/trust/check.c src/trust/check.h src/trust/check_priv.h \
	src/trust/check_policy.c \
	src/trust/check_results.c \
	src/trust/check_seal.c \
	src/trust/dkim.h \
	src/trust/dkim_body.c src/trust/dkim_body.h \
	src/trust/dkim_crypto.c src/trust/dkim_crypto.h \
	src/trust/dkim_fields.c \
	src/trust/dkim_key.c \
	src/trust/dkim_sign.c \
	src/trust/dkim_signature.c \
	src/trust/dkim_tags.c src/trust/dkim_tags.h \
	src/trust/dkim_verify.c \
	src/trust/dmarc.c src/trust/dmarc.h \
	src/trust/domain.c src/trust/domain.h \
	src/trust/header.c src/trust/header.h \
	src/trust/key_files.c src/trust/key_files.h \
	src/trust/keys.c src/trust/keys.h \
	src/trust/signer.c src/trust/signer.h \
	src/trust/spf.c src/trust/spf.h src/trust/spf_priv.h \
	src/trust/spf_macro.c \
	src/trust/spf_record.c \
	src/trust/trust.c src/trust/trust.h
