// SPDX-License-Identifier: GPL-3.0-or-later
// Sends the reason why a worker that systemd started cannot serve to the supervisor whose connection made
// systemd start it. Otherwise the reason would be in this unit's journal only.
//
// Called by worker-main and serve before the process ends. Accepts one supervisor, answers its lastWords()
// and no other call, and returns within two seconds. Does nothing when no connection waits.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace smsd::kit {

/// Accepts on the socket `listener`, from the users in `welcome` only, and sends `words`. They must hold no
/// secret.
void sayCannotStart(int listener, const std::vector<uid_t>& welcome, const std::string& words);

}  // namespace smsd::kit
