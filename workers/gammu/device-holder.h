// SPDX-License-Identifier: GPL-3.0-or-later
// Finds the other program that has a device open.
//
// Searches /proc, so it works only before the sandbox is in force, and only for processes that this user may
// inspect. A pseudo terminal of the same name in a container is another device. Never fails.
#pragma once

#include <string>

namespace smsd::gammu {

/// Returns for example "ModemManager (pid 812)". If no holder of `device` is found but ModemManager runs, the
/// result names it as the probable one, because it opens modems when they appear. Otherwise returns "".
std::string holderOf(const std::string& device);

}  // namespace smsd::gammu
