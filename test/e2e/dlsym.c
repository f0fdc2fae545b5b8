/* SPDX-License-Identifier: MIT */
/* e2e: flags=-rdynamic */
/* The program finds its own functions and variables by name, and hops in what it finds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef long function(long);

long counter = 40;
const char greeting[] = "hello";
_Thread_local long own = 7;

long sum(long n) {
    long total = 0;
    for (long i = 1; i <= n; i++)
        total += i ^ counter;
    return total;
}

long deep(long n) {
    return n ? deep(n - 1) + sum(n) : own;
}

long other_name(long n) __attribute__((alias("sum")));

__attribute__((visibility("hidden"))) long hidden(long n) {
    return n + counter;
}

static long local(long n) {
    return n - counter;
}

__attribute__((weak)) long weak(long n) {
    return n * counter;
}

static function *find(void *handle, const char *name) {
    function *found = (function *)dlsym(handle, name);
    const char *error = dlerror();
    printf("%s: %s, %s\n", name, found ? "found" : "not found", error ? "an error" : "no error");
    return found;
}

static void *on_thread(void *handle) {
    long *mine = dlsym(handle, "own");
    function *call = (function *)dlsym(handle, "deep");
    *mine = 1000;
    printf("thread: %ld, own is %s\n", call(20), mine == &own ? "the thread's" : "another's");
    return NULL;
}

static void names(void *handle) {
    static const char *const all[] = {"sum",    "deep",  "other_name", "weak", "main",
                                      "hidden", "local", "nothing",    ""};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        function *found = find(handle, all[i]);
        if (found && strcmp(all[i], "main"))
            printf("%s(30) = %ld\n", all[i], found(30));
    }
}

static void addresses(void *handle) {
    Dl_info info;
    long *variable = dlsym(handle, "counter");
    const char *text = dlsym(handle, "greeting");
    printf("counter %ld, greeting %s\n", *variable, text);
    *variable = 3;
    printf("sum %ld with another counter, %d\n", sum(30), variable == &counter);
    if (dladdr((void *)deep, &info))
        printf("dladdr: %s %d\n", info.dli_sname, info.dli_saddr == (void *)deep);
    if (dladdr(greeting + 3, &info))
        printf("dladdr: %s %d\n", info.dli_sname, info.dli_saddr == greeting);
    int here;
    printf("dladdr of the stack: %d\n", dladdr(&here, &info));
}

int main(void) {
    pthread_t thread;
    void *program = dlopen(NULL, RTLD_NOW | RTLD_GLOBAL), *file = dlopen("./no-such-object.so", RTLD_LAZY);
    printf("program %s, file %s, %s\n", program ? "opens" : "does not open", file ? "opens" : "does not open",
           dlerror() ? "an error" : "no error");
    printf("%s\n", dlerror() ? "still an error" : "no error");
    names(program);
    names(RTLD_DEFAULT);
    addresses(program);
    pthread_create(&thread, NULL, on_thread, program);
    pthread_join(thread, NULL);
    printf("main: %ld, %ld\n", deep(10), local(1) + hidden(2));
    printf("close: %d\n", dlclose(program));
    return 0;
}
