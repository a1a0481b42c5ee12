/*
 * state.h - the text files of localindex/state.h, by the names that this module
 * has for them.
 */
#ifndef MAILDIR_STATE_H
#define MAILDIR_STATE_H

#include "localindex/state.h"

#define MD_STATE_DAMAGED LI_STATE_DAMAGED
#define MD_STATE_NEWER LI_STATE_NEWER
#define MD_STATE_OK LI_STATE_OK
#define md_account_parse li_account_parse
#define md_account_print li_account_print
#define md_account_state li_account_state
#define md_account_state_free li_account_state_free
#define md_meta li_meta
#define md_meta_find li_meta_find
#define md_meta_free li_meta_free
#define md_meta_set li_meta_set
#define md_metas li_metas
#define md_state li_state
#define md_state_free li_state_free
#define md_state_parse li_state_parse
#define md_state_print li_state_print
#define md_state_rc li_state_rc

#endif
