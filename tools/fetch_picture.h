/* SPDX-License-Identifier: MIT
 * fetch_picture.h - one frame of the moving picture, as text. */
#ifndef TOOLS_FETCH_PICTURE_H
#define TOOLS_FETCH_PICTURE_H

#include "fetch.h"

/* What a frame is drawn for. */
struct fetch_view {
    int columns, rows; /* of the terminal */
    bool colour, unicode;
    double now;              /* eddy_time() */
    double bytes_per_second; /* lately */
    double pages_per_second;
};

/* Writes the frame's lines, each wiped behind its end and shorter than the terminal is wide.
 * Returns how many there are, fewer than the terminal has rows. */
int fetch_picture(FILE *out, const struct fetch *fetch, const struct fetch_view *view);

#endif
