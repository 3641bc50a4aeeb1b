#include "sim/cli/options.h"

#include <string.h>

#include "sim/base/text.h"
#include "sim/scenario/setting_aliases.h"

int options_fail(const char *message)
{
    fprintf(stderr, "kvcast: %s\n", message);
    return EXIT_BAD_INPUT;
}

static void print_help(const struct command *command, const struct option *options)
{
    printf("usage: kvcast %s %s%s\n\n%s\n", command->name, command->arguments,
           options[0].name != NULL ? " [options]" : "", command->summary);
    if (options[0].name != NULL) {
        printf("\noptions:\n");
    }
    for (const struct option *option = options; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", option->name,
                 option->argument != NULL ? option->argument : "");
        printf("  %-26s %s\n", left, option->help);
    }
    if (command->details != NULL) {
        printf("\n%s", command->details);
    }
}

static bool usage_error(const struct command *command, const char *problem, const char *subject,
                        const char *nearest)
{
    fprintf(stderr, "kvcast %s: %s '%s'", command->name, problem, subject);
    if (nearest != NULL) {
        fprintf(stderr, ", did you mean '%s'?", nearest);
    }
    fprintf(stderr, "\ntry 'kvcast %s --help'\n", command->name);
    return false;
}

static bool store(const struct command *command, const struct option *option, const char *value)
{
    if (option->kind == OPTION_FLAG) {
        *(bool *)option->target = true;
    } else if (option->kind == OPTION_TEXT) {
        *(const char **)option->target = value;
    } else {
        struct option_list *list = option->target;
        if (list->count == MAX_OPTIONS) {
            return usage_error(command, "given too often:", option->name, NULL);
        }
        list->values[list->count++] = value;
    }
    return true;
}

/* One argument that begins with "--", perhaps with "=value". */
static bool parse_option(const struct command *command, const struct option *options, char **argv,
                         int argc, int *index)
{
    const char *names[MAX_OPTIONS] = {NULL};
    const char *given = argv[*index];
    size_t length = strcspn(given, "=");
    for (size_t i = 0; options[i].name != NULL; i++) {
        names[i] = options[i].name;
        if (strlen(names[i]) != length || strncmp(names[i], given, length) != 0) {
            continue;
        }
        const char *value = given[length] == '=' ? given + length + 1 : NULL;
        if (options[i].kind == OPTION_FLAG) {
            return value == NULL ? store(command, &options[i], NULL)
                                 : usage_error(command, "takes no value:", names[i], NULL);
        }
        if (value == NULL && *index + 1 < argc) {
            value = argv[++*index];
        }
        return value != NULL ? store(command, &options[i], value)
                             : usage_error(command, "needs a value:", names[i], NULL);
    }
    const char *setting = setting_alias_find(given);
    char assignment[128];
    snprintf(assignment, sizeof assignment, "--set %s=...", setting != NULL ? setting : "");
    return usage_error(command, "unknown option", given,
                       setting != NULL ? assignment : text_nearest(given, names));
}

bool options_parse(const struct command *command, const struct option *options, int argc,
                   char **argv, struct option_list *positionals, int *ret_exit)
{
    *ret_exit = EXIT_BAD_USAGE;
    for (int i = 1; i < argc; i++) {
        if (text_equal(argv[i], "--help") || text_equal(argv[i], "-h")) {
            print_help(command, options);
            *ret_exit = EXIT_DONE;
            return false;
        }
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!parse_option(command, options, argv, argc, &i)) {
                return false;
            }
        } else if (positionals == NULL || positionals->count == MAX_OPTIONS) {
            return usage_error(command, "unexpected argument", argv[i], NULL);
        } else {
            positionals->values[positionals->count++] = argv[i];
        }
    }
    return true;
}
