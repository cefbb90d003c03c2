/* Lets fsync and fdatasync fail with EIO while a file exists that BROKEN_DISK names. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int is_broken(void)
{
    const char *mark = getenv("BROKEN_DISK");
    return mark != NULL && access(mark, F_OK) == 0;
}

int fsync(int descriptor)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (is_broken()) {
        errno = EIO;
        return -1;
    }
    return real(descriptor);
}

int fdatasync(int descriptor)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (is_broken()) {
        errno = EIO;
        return -1;
    }
    return real(descriptor);
}
