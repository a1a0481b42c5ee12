libpostern_la_SOURCES += \
	src/message/address.c src/message/address.h \
	src/message/casefold.c \
	src/message/casemap.c \
	src/message/charset.c \
	src/message/content.h \
	src/message/date.c \
	src/message/decoder.c \
	src/message/downgrade.c src/message/downgrade.h \
	src/message/envelope.c \
	src/message/fields.c \
	src/message/header.h \
	src/message/html.c \
	src/message/html_entities.c \
	src/message/ids.c \
	src/message/internal.h \
	src/message/mailbox.c \
	src/message/message.h \
	src/message/mime.c \
	src/message/params.c \
	src/message/preview.c src/message/preview.h \
	src/message/reader.c \
	src/message/results.c \
	src/message/section.c \
	src/message/sevenbit.c src/message/sevenbit.h \
	src/message/subject.c \
	src/message/text.c src/message/text.h \
	src/message/utf8.c \
	src/message/words.c
