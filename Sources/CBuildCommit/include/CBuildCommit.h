#ifndef C_BUILD_COMMIT_H
#define C_BUILD_COMMIT_H

/// The commit that this program was built from, with a "+" behind it when files had been changed since; empty when
/// it was not built in a checkout.
const char *mainline_build_commit(void);

#endif
