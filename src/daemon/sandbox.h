/*
 * daemon/sandbox.h - `posternd --sandbox DIR`: a server for trying out, for
 * tests and for people who write mail clients. Everything is below DIR.
 *
 * Threads: the main thread.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "account/account.h"
#include "admin/identity.h"
#include "daemon/options.h"
#include "net/net.h"

struct daemon_sandbox;

/* Works out the configuration; touches nothing yet but finds out where DIR is.
 * SYNTAX for a storage that cannot be. */
enum pst_rc daemon_sandbox_new(const struct daemon_options *o,
    struct daemon_sandbox **s_r, struct pst_error *err);
void daemon_sandbox_free(struct daemon_sandbox **s);
/* For config_parse(). */
const char *daemon_sandbox_text(const struct daemon_sandbox *s);
/* DIR, absolute. */
const char *daemon_sandbox_dir(const struct daemon_sandbox *s);
/* Refuses listeners beyond loopback: everybody knows the password. */
enum pst_rc daemon_sandbox_check(
    const struct config *cfg, struct pst_error *err);

/* With DIR locked: removes the ready.json of an earlier run, makes the
 * certificate when there is none, writes DIR/postern.conf. */
enum pst_rc daemon_sandbox_prepare(
    struct daemon_sandbox *s, const struct config *cfg, struct pst_error *err);
/* Makes the users that do not exist. */
enum pst_rc daemon_sandbox_users(const struct daemon_sandbox *s,
    struct accounts *accounts, struct pst_error *err);
/* Puts ready.json in place, and takes it away. */
enum pst_rc daemon_sandbox_ready(const struct daemon_sandbox *s,
    const struct config *cfg, const struct net *net, struct pst_error *err);
void daemon_sandbox_over(const struct daemon_sandbox *s);

#endif
