// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/common/older-landlock.h"

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

int fakedAbi = 0;
constexpr long versionFlag = 1;  // LANDLOCK_CREATE_RULESET_VERSION
constexpr long portRule = 2;     // LANDLOCK_RULE_NET_PORT

// As in the kernel's history: Linux 5.13, 5.19, 6.2, 6.7, 6.10 and 6.12.
std::uint64_t fileRights(int abi) {
  unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;
  return (1ULL << bits) - 1;
}
std::size_t sizeOfAttributes(int abi) { return abi >= 6 ? 24 : abi >= 4 ? 16 : 8; }

/// The errno with which a kernel of that ABI refuses a ruleset with these attributes, or 0.
int refusalOf(const void* attributes, std::size_t size) {
  std::uint64_t fields[3] = {};  // handled files, handled ports, scopes
  std::memcpy(fields, attributes, std::min(size, sizeof fields));
  for (std::size_t known = sizeOfAttributes(fakedAbi), n = known / 8; n < 3; n++)
    if (fields[n] != 0) return E2BIG;
  return (fields[0] & ~fileRights(fakedAbi)) != 0 ? EINVAL : 0;
}

long refuse(int error) {
  errno = error;
  return -1;
}

}  // namespace

namespace smsd::sandbox {

void fakeLandlockAbi(int abi) { fakedAbi = abi; }

}  // namespace smsd::sandbox

// The names are the linker's.
extern "C" {
long __real_syscall(long number, ...);

// Reads six arguments, as syscall() itself does, whatever the caller passes: the address sanitizer would
// report those that it does not pass.
__attribute__((noinline, no_sanitize("address"))) long __wrap_syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  if (fakedAbi != 0 && number == SYS_landlock_create_ruleset) {
    if (a[2] == versionFlag && a[0] == 0) {
      long kernels = __real_syscall(number, a[0], a[1], a[2]);
      return kernels < 0 ? kernels : std::min<long>(kernels, fakedAbi);
    }
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an argument of a system call
    if (int error = refusalOf(reinterpret_cast<const void*>(a[0]), static_cast<std::size_t>(a[1]));
        error != 0)
      return refuse(error);
  }
  if (fakedAbi != 0 && fakedAbi < 4 && number == SYS_landlock_add_rule && a[1] == portRule)
    return refuse(EINVAL);
  return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
}
