// SPDX-License-Identifier: GPL-3.0-or-later
// Sends the reason why a worker cannot serve to its supervisor: the one that started the worker, or the one
// whose connection made systemd start it. Otherwise the reason would be in the journal only, and the status
// of the dispatcher would be an exit status.
//
// Called by worker-main before the process ends. Answers lastWords() of one supervisor and no other call, and
// returns within two seconds.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace smsd::kit {

/// Sends `words` over the connected socket `channel`, and closes it. The words must hold no secret.
void sayCannotStart(int channel, const std::string& words);
/// Accepts on the socket `listener`, from the users in `welcome` only, and sends `words`. Does nothing when
/// no connection waits.
void sayCannotStart(int listener, const std::vector<uid_t>& welcome, const std::string& words);

}  // namespace smsd::kit
