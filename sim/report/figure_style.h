/* How figures look: file formats, size, fonts and legend, as a command line asks for them. */
#ifndef SIM_REPORT_FIGURE_STYLE_H
#define SIM_REPORT_FIGURE_STYLE_H

#include <stdio.h>

#include "sim/base/error.h"

enum { FIGURE_STYLE_MAX_FORMATS = 4 };

/* A kind of file that gnuplot draws. */
struct figure_format {
    const char *name;      /* as it is asked for */
    const char *extension; /* of the file */
    const char *terminal;  /* of gnuplot */
    double units_per_inch; /* of the terminal's sizes; 0: it takes inches; -1: as the style says */
    double font_scale;     /* a point of the terminal in points */
    double line_scale;     /* a line of the same width on paper */
    bool takes_font;       /* else its document chooses */
};

struct figure_style {
    const struct figure_format *formats[FIGURE_STYLE_MAX_FORMATS];
    size_t format_count;
    double width_in;      /* 0: each figure's own */
    double height_in;     /* 0: from the width, in each figure's own proportion, */
    double tallness;      /* so many times as high */
    double dots_per_inch; /* of bitmaps */
    double font_pt;
    double line_width;
    const char *legend; /* how gnuplot is told where it goes */
    bool has_legend;
    char font[64];
    char title[128]; /* empty: none */
};

/* What a command line says; NULL: nothing. */
struct figure_style_texts {
    const char *formats; /* "pdf" or "png,svg" */
    const char *style;   /* "screen", "ieee", "acm", "slides" */
    const char *size;    /* "3.3x2.2in" */
    const char *font;    /* "Times" or "Times,9" */
    const char *legend;  /* "top", "right", "inside", "none" */
    const char *title;
};

/* PNG and SVG for a screen. */
struct figure_style figure_style_default(void);

/* What is given goes before what the style brings. */
MUST_CHECK bool figure_style_parse(const struct figure_style_texts *texts,
                                   struct figure_style *ret_style, struct error *error);

/* Writes what makes gnuplot draw 'name' in that format; a figure of its own size has so many
 * pixels of 1/96 inch. */
void figure_style_begin(const struct figure_style *style, const struct figure_format *format,
                        const char *name, unsigned width, unsigned height, FILE *script);

#endif
