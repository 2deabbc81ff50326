/* SPDX-License-Identifier: MIT
 * command.h - the subcommands of `eddy`, one function each; eddy.c has the table. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

/* The exit statuses that all of them share. */
enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_SIGNAL = 128 };

/* argv[0] is "eddy fetch", the name that messages begin with. Returns the exit status. */
int fetch_command(int argc, char *argv[]);

#endif
