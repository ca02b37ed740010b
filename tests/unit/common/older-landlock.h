// SPDX-License-Identifier: GPL-3.0-or-later
// An older Landlock than the kernel's, in this test program alone: the linker replaces syscall() by
// __wrap_syscall() (-Wl,--wrap=syscall in CMakeLists.txt), which answers as a kernel of that ABI would, and
// passes on everything else. The rights that pass are enforced by the kernel.
#pragma once

namespace smsd::sandbox {

/// For this process and those that it forks, from now on. 0: the kernel's own.
void fakeLandlockAbi(int abi);

}  // namespace smsd::sandbox
