// Which other program has a device open. Looks through /proc, so it can only be asked before the process
// locks itself in; what its user may not see stays unseen. Never fails.
#pragma once

#include <string>

namespace smsd::gammu {

/// "ModemManager (pid 812)". Where nobody is seen to have it but ModemManager runs, words that say so: it
/// opens modems when they appear. Empty: nobody.
std::string holderOf(const std::string& device);

}  // namespace smsd::gammu
