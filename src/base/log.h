/* SPDX-License-Identifier: MIT
 * log.h - eddy's own reports; see eddy_set_log(). */
#ifndef EDDY__LOG_H
#define EDDY__LOG_H

#include <eddy/base.h>

/* One line without its newline; longer than 1,000 bytes it is cut. Any thread. */
void eddy__log(eddy_log_level level, const char *format, ...) EDDY_PRINTF(2, 3);

/* Ends the process after a misuse that nothing can be returned for. */
_Noreturn void eddy__fatal(const char *format, ...) EDDY_PRINTF(1, 2);

#endif
