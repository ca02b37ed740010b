// The outcome of a part, from what is proven about it.
//
// Owns the rule that a part counts as accepted only on +CMGS without an error line (TS 27.005 3.5.1). Called
// by the modem, and by the fuzz target. Pure. Does not fail: the worst case is unknown.
#pragma once

#include "workers/gammu/dialogue.h"
#include "workers/gammu/outcomes.h"

namespace smsd::gammu {

/// Why the wait for the modem's answer is over.
enum class Waited { answered, tooLong, unplugged };

/// `reason` of an accepted part is the modem's reference. A part that was not handed over is never unknown.
Finding verdictOn(const Submission& submission, Waited waited);

/// The meaning of an error (Reply::End error, cme or cms). Words on no list are unknown.
Finding findingOf(const Reply& reply);

}  // namespace smsd::gammu
