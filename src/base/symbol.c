/* SPDX-License-Identifier: MIT
 * symbol.c - names out of ELF symbol tables.
 *
 * The file of a module is mapped while a table is in use. It may be anything by now (a program that
 * was rebuilt while it runs), so every offset in it is checked before it is followed. */
#include "symbol.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"
#include "util.h"

struct eddy__symbol_module {
    const struct link_map *map; /* which one it is */
    char name[64];
    const char *file; /* mapped, or NULL */
    size_t file_bytes;
    const ElfW(Sym) * symbols; /* in the file */
    size_t symbols_count;
    const char *names;
    size_t names_bytes; /* the last of them 0 */
};

/* --- a file ----------------------------------------------------------------------------------- */

static const char *file_map(const char *path, size_t *bytes) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *memory = MAP_FAILED;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        *bytes = (size_t)status.st_size;
        memory = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    close(fd);
    return memory == MAP_FAILED ? NULL : memory;
}

/* `size` bytes at `offset`, or NULL: the file is shorter. */
static const void *file_at(const struct eddy__symbol_module *module, uint64_t offset,
                           uint64_t size) {
    if (!module->file || offset > module->file_bytes || size > module->file_bytes - offset)
        return NULL;
    return module->file + offset;
}

static bool is_elf_of_ours(const ElfW(Ehdr) * header) {
    return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
           header->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
           header->e_shentsize == sizeof(ElfW(Shdr));
}

/* The table of all symbols; a stripped file has none. */
static void module_read_symbols(struct eddy__symbol_module *module) {
    const ElfW(Ehdr) *header = file_at(module, 0, sizeof(*header));
    const ElfW(Shdr) * sections, *names;

    if (!header || !is_elf_of_ours(header))
        return;
    sections = file_at(module, header->e_shoff, (uint64_t)header->e_shnum * sizeof(*sections));
    for (int i = 0; sections && i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB || sections[i].sh_link >= header->e_shnum)
            continue;
        names = &sections[sections[i].sh_link];
        module->symbols = file_at(module, sections[i].sh_offset, sections[i].sh_size);
        module->symbols_count = sections[i].sh_size / sizeof(ElfW(Sym));
        module->names = file_at(module, names->sh_offset, names->sh_size);
        module->names_bytes = names->sh_size;
    }
    if (!module->names || module->names_bytes == 0 ||
        module->names[module->names_bytes - 1] != '\0')
        module->symbols = NULL;
}

static const char *module_find(const struct eddy__symbol_module *module, uintptr_t offset) {
    for (size_t i = 0; module->symbols && i < module->symbols_count; i++) {
        const ElfW(Sym) *symbol = &module->symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_name < module->names_bytes &&
            offset >= symbol->st_value && offset - symbol->st_value < symbol->st_size)
            return module->names + symbol->st_name;
    }
    return NULL;
}

/* --- modules ---------------------------------------------------------------------------------- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The program itself has no name in the list of the loader. */
static struct eddy__symbol_module *module_open(const struct link_map *map, const char *path) {
    struct eddy__symbol_module *module = eddy__zalloc(sizeof(*module));

    if (!module)
        return NULL;
    module->map = map;
    snprintf(module->name, sizeof(module->name), "%s", base_name(path));
    module->file = file_map(*map->l_name ? map->l_name : "/proc/self/exe", &module->file_bytes);
    module_read_symbols(module);
    return module;
}

static struct eddy__symbol_module *module_of(struct eddy__symbols *symbols,
                                             const struct link_map *map, const char *path) {
    struct eddy__symbol_module *module;

    for (int i = 0; i < symbols->count; i++)
        if (symbols->modules[i]->map == map)
            return symbols->modules[i];
    module = symbols->count < SYMBOL_MODULES ? module_open(map, path) : NULL;
    if (module)
        symbols->modules[symbols->count++] = module;
    return module;
}

struct eddy__symbols *eddy__symbols_new(void) {
    return eddy__zalloc(sizeof(struct eddy__symbols));
}

void eddy__symbols_free(struct eddy__symbols *symbols) {
    if (!symbols)
        return;
    for (int i = 0; i < symbols->count; i++) {
        if (symbols->modules[i]->file)
            munmap((void *)symbols->modules[i]->file, symbols->modules[i]->file_bytes);
        eddy__free(symbols->modules[i]);
    }
    eddy__free(symbols);
}

/* --- looking up ------------------------------------------------------------------------------- */

/* Where this code is. */
static const struct link_map *own_map(void) {
    struct link_map *map = NULL;
    Dl_info info;

    return dladdr1((void *)(uintptr_t)own_map, &info, (void **)&map, RTLD_DL_LINKMAP) ? map : NULL;
}

bool eddy__symbols_go_by_name(void) {
    const struct link_map *own = own_map();

    return !own || !*own->l_name;
}

/* In a library of its own, eddy's code is what is in that library; linked into the program, what is
 * named so. */
static bool is_eddy(const struct link_map *map, const char *function) {
    if (!eddy__symbols_go_by_name())
        return map == own_map();
    return function && strncmp(function, "eddy_", 5) == 0;
}

static struct eddy__symbol symbol_find(struct eddy__symbols *symbols, uintptr_t address) {
    struct eddy__symbol symbol = {.module = "", .offset = address};
    const struct eddy__symbol_module *module;
    struct link_map *map = NULL;
    Dl_info info;

    if (!dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) /* NOLINT */
        return symbol;
    symbol.offset = address - map->l_addr;
    symbol.function = info.dli_sname;
    module = module_of(symbols, map, info.dli_fname);
    if (module) {
        const char *function = module_find(module, symbol.offset);
        symbol.module = module->name;
        if (function)
            symbol.function = function;
    }
    symbol.is_eddy = is_eddy(map, symbol.function);
    return symbol;
}

struct eddy__symbol eddy__symbols_find(struct eddy__symbols *symbols, uintptr_t address) {
    size_t slot = (address ^ address >> 8) % SYMBOL_CACHED;

    if (symbols->cached[slot].address != address) {
        symbols->cached[slot].address = address;
        symbols->cached[slot].symbol = symbol_find(symbols, address);
    }
    return symbols->cached[slot].symbol;
}

size_t eddy__symbol_name_size(const char *function) {
    return function ? strcspn(function, ".") : 0;
}

int eddy__symbol_text(const struct eddy__symbol *symbol, char *text, size_t size) {
    return snprintf(text, size, "%.*s%s%s+0x%jx%s", (int)eddy__symbol_name_size(symbol->function),
                    symbol->function ? symbol->function : "", symbol->function ? " (" : "",
                    symbol->module, (uintmax_t)symbol->offset, symbol->function ? ")" : "");
}

void eddy__symbol_format(uintptr_t address, char *text, size_t size) {
    struct eddy__symbols *symbols = eddy__symbols_new();
    struct eddy__symbol symbol = {.module = "", .offset = address};

    if (symbols)
        symbol = eddy__symbols_find(symbols, address);
    eddy__symbol_text(&symbol, text, size);
    eddy__symbols_free(symbols);
}
