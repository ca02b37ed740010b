// SPDX-License-Identifier: GPL-3.0-or-later
// Kannel's sendsms: a target with parameters. Pure.
//
// `to` may have several numbers, between blanks. A text that is no valid UTF-8 is Latin-1. Reports of
// delivery (dlr-url) are not sent; the parameters for them are ignored.
#pragma once

#include "clients/shapes/answer.h"
#include "clients/shapes/query.h"
#include "clients/shapes/submission.h"

namespace smsd::shapes {

RequestRead readKannel(const Parameters& parameters);

/// 202 and `0: Accepted for delivery`, as Kannel answers; otherwise the words alone.
WebAnswer answerKannel(const SubmissionResult& result);

}  // namespace smsd::shapes
