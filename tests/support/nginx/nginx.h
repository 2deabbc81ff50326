/* SPDX-License-Identifier: MIT
 * nginx.h - where the nginx is that with_nginx.py started for this program. */
#ifndef TEST_NGINX_H
#define TEST_NGINX_H

/* A value that with_nginx.py left in the environment: "NGINX_HTTP" is a URL without a path,
 * "NGINX_CA" the file of the authority's certificate. Fails the test when it is missing. */
const char *nginx_value(const char *name);

/* The URL of `path` on that server: nginx_url("NGINX_TLS", "/small.txt"). One of a few buffers that
 * take turns, so that several can be used in one expression. */
const char *nginx_url(const char *server, const char *path);

#endif
