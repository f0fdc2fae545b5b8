/* SPDX-License-Identifier: MIT */
#include "move/terminal.h"

#include <string.h>
#include <sys/ioctl.h>

bool terminal_window(int fd, struct move_window *window) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        return false;
    *window = (struct move_window){size.ws_row, size.ws_col, size.ws_xpixel, size.ws_ypixel};
    return true;
}

bool terminal_read(int fd, struct move_terminal *terminal) {
    struct termios modes;
    *terminal = (struct move_terminal){0};
    if (tcgetattr(fd, &modes) < 0)
        return false;
    terminal->input = modes.c_iflag;
    terminal->output = modes.c_oflag;
    terminal->control = modes.c_cflag;
    terminal->local = modes.c_lflag;
    memcpy(terminal->characters, modes.c_cc, sizeof terminal->characters);
    terminal_window(fd, &terminal->window);
    return true;
}

void terminal_set(int fd, const struct move_terminal *terminal) {
    struct termios modes;
    if (tcgetattr(fd, &modes) < 0)
        return;
    modes.c_iflag = terminal->input;
    modes.c_oflag = terminal->output;
    modes.c_lflag = terminal->local;
    memcpy(modes.c_cc, terminal->characters, sizeof terminal->characters);
    tcsetattr(fd, TCSADRAIN, &modes);
}

void terminal_set_window(int fd, const struct move_window *window) {
    struct winsize size = {window->rows, window->columns, window->width, window->height};
    ioctl(fd, TIOCSWINSZ, &size);
}

void terminal_set_raw(int fd) {
    struct termios modes;
    if (tcgetattr(fd, &modes) < 0)
        return;
    cfmakeraw(&modes);
    tcsetattr(fd, TCSADRAIN, &modes);
}
