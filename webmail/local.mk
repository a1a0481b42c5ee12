# The mail client in the browser, see HACKING.md. Built by Node in webmail/built of the build tree; a release has it
# built, in its source tree.

EXTRA_DIST += webmail/.npmrc webmail/build.mjs webmail/build.sh webmail/package-lock.json webmail/package.json \
	webmail/src webmail/test webmail/tsconfig.json

webmaildir = $(pkgdatadir)/webmail
webmail_sources = $(shell find $(srcdir)/webmail/src $(srcdir)/webmail/package-lock.json $(srcdir)/webmail/build.mjs -type f)

if WEBMAIL_BUILD
webmail_dist = webmail/built/dist
all-local: webmail/stamp
webmail/stamp: $(webmail_sources)
	$(AM_V_GEN)$(MKDIR_P) webmail; \
	$(SHELL) $(srcdir)/webmail/build.sh $(srcdir)/webmail webmail/built >webmail/build.out 2>&1; \
	status=$$?; \
	if test $$status = 3 && test '$(WEBMAIL)' = auto; then \
		echo "The packages of the web client cannot be had: it is left out (webmail/build.out)." >&2; \
		rm -rf webmail/built/dist; \
	elif test $$status != 0; then \
		cat webmail/build.out >&2; exit 1; \
	fi; \
	touch $@
else
webmail_dist = $(srcdir)/webmail/dist
endif

if WEBMAIL_INSTALL
install-data-local:
	@if test -f $(webmail_dist)/manifest.json; then \
		echo "installing the web client in $(DESTDIR)$(webmaildir)"; \
		$(MKDIR_P) '$(DESTDIR)$(webmaildir)' && rm -f '$(DESTDIR)$(webmaildir)'/* && \
		$(INSTALL_DATA) $(webmail_dist)/* '$(DESTDIR)$(webmaildir)'; \
	fi
uninstall-local:
	rm -rf '$(DESTDIR)$(webmaildir)'
endif

clean-local:
	rm -rf webmail/built webmail/stamp webmail/build.out
