/*
 * util.h - the helpers of localindex/util.h, by the names that this module has
 * for them.
 */
#ifndef MAILDIR_UTIL_H
#define MAILDIR_UTIL_H

#include "localindex/util.h"

#define MD_PUSH LI_PUSH
#define MD_SYNC_FILE LI_SYNC_FILE
#define MD_SYNC_FULL LI_SYNC_FULL
#define MD_SYNC_NONE LI_SYNC_NONE
#define md_alloc li_alloc
#define md_buf li_buf
#define md_buf_add li_buf_add
#define md_buf_free li_buf_free
#define md_buf_printf li_buf_printf
#define md_buf_putc li_buf_putc
#define md_buf_puts li_buf_puts
#define md_buf_room li_buf_room
#define md_copy_fd li_copy_fd
#define md_escape li_escape
#define md_hash128 li_hash128
#define md_is li_is
#define md_is_ident li_is_ident
#define md_memdup li_memdup
#define md_next_line li_next_line
#define md_next_word li_next_word
#define md_number li_number
#define md_rc_of li_rc_of
#define md_read_file li_read_file
#define md_remove_tree li_remove_tree
#define md_rename_new li_rename_new
#define md_replace_file li_replace_file
#define md_resize li_resize
#define md_strdup li_strdup
#define md_sync li_sync
#define md_unescape li_unescape
#define md_write_all li_write_all

#endif
