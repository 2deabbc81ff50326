/* SPDX-License-Identifier: MIT
 * symbol.h - which function an address is in, for reports.
 *
 * dladdr() knows what a program exports; most of its functions are static. So the symbol table of
 * its file is read, where it was not stripped. */
#ifndef EDDY__SYMBOL_H
#define EDDY__SYMBOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_MODULES 16  /* files that are kept open at a time */
#define SYMBOL_CACHED  256 /* addresses that need not be looked up again; a power of two */

struct eddy__symbol {
    const char *function; /* valid as long as the table; NULL: not known */
    const char *module;   /* the file's name without its folder; "" where no file is */
    uintptr_t offset;     /* of the address in the file, as addr2line takes it */
    bool is_eddy;         /* in the library's own code, as far as that can be told */
};

struct eddy__symbol_module;

struct eddy__symbols {
    struct eddy__symbol_module *modules[SYMBOL_MODULES];
    int count;
    struct {
        uintptr_t address;
        struct eddy__symbol symbol;
    } cached[SYMBOL_CACHED];
};

/* A table to look up many addresses; NULL: no memory. */
struct eddy__symbols *eddy__symbols_new(void);
void eddy__symbols_free(struct eddy__symbols *symbols);

struct eddy__symbol eddy__symbols_find(struct eddy__symbols *symbols, uintptr_t address);

/* Whether eddy's code is told by its names only: it is linked into the program. */
bool eddy__symbols_go_by_name(void);

/* Of a compiler's copy, "fetch.constprop.0", the name in the source only. 0 for NULL. */
size_t eddy__symbol_name_size(const char *function);

/* "fetch (crawler+0x11e9)"; "crawler+0x11e9" where the function is not known. Returns as
 * snprintf(). */
int eddy__symbol_text(const struct eddy__symbol *symbol, char *text, size_t size);

/* The same for one address. */
void eddy__symbol_format(uintptr_t address, char *text, size_t size);

#endif
