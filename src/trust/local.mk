libpostern_la_SOURCES += \
	src/trust/authors.c src/trust/authors.h \
	src/trust/dkim.h \
	src/trust/dkim_body.c src/trust/dkim_body.h \
	src/trust/dkim_crypto.c src/trust/dkim_crypto.h \
	src/trust/dkim_fields.c \
	src/trust/dkim_key.c \
	src/trust/dkim_sign.c \
	src/trust/dkim_signature.c \
	src/trust/dkim_tags.c src/trust/dkim_tags.h \
	src/trust/dkim_verify.c \
	src/trust/domain.c src/trust/domain.h \
	src/trust/header.c src/trust/header.h \
	src/trust/key_files.c src/trust/key_files.h \
	src/trust/keys.c src/trust/keys.h \
	src/trust/signer.c src/trust/signer.h \
	src/trust/trust.c src/trust/trust.h
