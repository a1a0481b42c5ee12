/*
 * sendmail/sendmail.h - the command that programs of this host send mail with:
 * it reads a message, and hands it to the server over a Unix socket.
 */
#ifndef SENDMAIL_SENDMAIL_H
#define SENDMAIL_SENDMAIL_H

/* The whole program. */
int sendmail_main(int argc, char **argv);

#endif
