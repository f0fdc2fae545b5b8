
int main(void) {
    int failed = 0, count = sizeof tests / sizeof *tests;
    for (int i = 0; i < count; i++) {
        check_migrate(NULL, NULL);
        if (tests[i].run()) {
            printf("failed: %s\n", tests[i].name);
            failed++;
        }
    }
    printf("%d of %d right\n", count - failed, count);
    return failed != 0;
}
