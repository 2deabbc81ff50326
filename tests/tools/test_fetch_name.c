/* SPDX-License-Identifier: MIT
 * test_fetch_name.c - names of files for URLs: readable, harmless, unique. */
#include <stdlib.h>
#include <string.h>

#include "fetch_name.h"
#include "test.h"

static void assert_name(struct fetch_names *names, const char *url, const char *expected) {
    char *name = fetch_names_new(names, url);
    ASSERT_STR_EQ(name, expected);
    free(name);
}

TEST(a_name_is_the_url_without_scheme_user_and_fragment) {
    struct fetch_names names = {0};
    assert_name(&names, "https://example.org/a/b.html?c=1#top", "example.org_a_b.html_c=1");
    assert_name(&names, "http://me:secret@example.org/", "example.org");
    assert_name(&names, "http://example.net/@home", "example.net_@home");
    assert_name(&names, "example.com", "example.com");
    fetch_names_deinit(&names);
}

TEST(a_name_never_leaves_its_directory) {
    struct fetch_names names = {0};
    assert_name(&names, "http://../../etc/passwd", "etc_passwd");
    assert_name(&names, "/", "index");
    assert_name(&names, "", "index-2");
    assert_name(&names, "http://", "index-3");
    assert_name(&names, "...", "index-4");
    assert_name(&names, "-rf", "rf");
    assert_name(&names, "http://h/a\\..\\b\n\x1b[2J\xff", "h_a_.._b___2J_");
    fetch_names_deinit(&names);
}

TEST(equal_names_are_numbered_before_the_ending) {
    struct fetch_names names = {0};
    assert_name(&names, "http://h/a.html", "h_a.html");
    assert_name(&names, "https://h/a.html", "h_a-2.html");
    assert_name(&names, "http://h/A.html", "h_A-3.html");
    assert_name(&names, "http://h/a-4.html", "h_a-4.html");
    assert_name(&names, "http://h/a.html/", "h_a-5.html");
    assert_name(&names, "http://h.org/a", "h.org_a");
    assert_name(&names, "http://h.org/a", "h.org_a-2");
    fetch_names_deinit(&names);
}

TEST(a_name_never_looks_like_a_half) {
    struct fetch_names names = {0};
    assert_name(&names, "http://h/a.part", "h_a.part_");
    assert_name(&names, "http://h/a.part", "h_a.part_-2");
    fetch_names_deinit(&names);
}

TEST(long_names_are_cut_and_still_tell_apart) {
    enum { LONG = 5000 };
    struct fetch_names names = {0};
    char url[LONG + 1] = "http://h/";
    memset(url + 9, 'y', LONG - 9);
    url[LONG] = '\0';

    char *first = fetch_names_new(&names, url);
    url[LONG - 1] = 'z';
    char *second = fetch_names_new(&names, url);
    char *third = fetch_names_new(&names, url);
    ASSERT(strcmp(first, second) != 0 && strcmp(second, third) != 0);
    ASSERT(strlen(first) <= 200 && strlen(third) <= 200);

    free(first);
    free(second);
    free(third);
    fetch_names_deinit(&names);
}
