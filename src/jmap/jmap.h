/*
 * jmap/jmap.h - JMAP (RFC 8620) with mail (RFC 8621), on HTTP.
 */
#ifndef JMAP_JMAP_H
#define JMAP_JMAP_H

#include "http/http.h"

/* For a site's tables. */
extern const struct http_route jmap_routes[];

#endif
