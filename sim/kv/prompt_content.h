/* Whose tokens a request's are, so that equal beginnings are known without any text. A sequence is
 * made of parts: up to its end each takes its tokens from a stream, at the same positions; beyond
 * the last part come the request's own. A system prompt or a few-shot prefix is a stream that many
 * requests begin with; the turns of a conversation share a stream that gets longer. */
#ifndef SIM_KV_PROMPT_CONTENT_H
#define SIM_KV_PROMPT_CONTENT_H

#include <stdint.h>

enum { PROMPT_PARTS = 2 };

struct prompt_part {
    uint64_t stream;
    uint32_t end; /* position of its first token that is no longer its */
};

struct prompt_content {
    struct prompt_part parts[PROMPT_PARTS]; /* ends do not fall; an end of 0: not used */
    uint64_t own_stream;                    /* 0: a stream nobody shares */
};

/* The stream at a position, and where it ends. */
static inline struct prompt_part prompt_content_at(const struct prompt_content *content,
                                                   uint32_t position)
{
    for (int i = 0; i < PROMPT_PARTS; i++) {
        if (position < content->parts[i].end) {
            return content->parts[i];
        }
    }
    return (struct prompt_part){content->own_stream, UINT32_MAX};
}

#endif
