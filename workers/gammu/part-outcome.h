// SPDX-License-Identifier: GPL-3.0-or-later
// Derives the outcome of a part from the facts that are proven about it.
//
// Owns the rule that a part counts as accepted only on +CMGS without an error line (TS 27.005 3.5.1). Called
// by the modem, and by the fuzz target. Pure. Never fails: the worst case is unknown.
#pragma once

#include "workers/gammu/dialogue.h"
#include "workers/gammu/outcomes.h"

namespace smsd::gammu {

/// Why the wait for the modem's answer ended.
enum class Waited { answered, tooLong, unplugged };

/// Returns the outcome of a part. A part that was not handed over is never unknown.
ModemOutcome outcomeOf(const SmsEvidence& evidence, Waited waited);

/// Returns the meaning of an error (AtReply::End error, cme or cms). Words that are not in the table are
/// unknown.
ModemOutcome outcomeOf(const AtReply& reply);

}  // namespace smsd::gammu
