// SPDX-License-Identifier: GPL-3.0-or-later
// The words of a call of sendsms, in each form that smstools3's sendsms takes. Pure.
//
// `sendsms NUMBER TEXT`, `sendsms NUMBER NUMBER... TEXT`, `sendsms NUMBER` with the text at standard input,
// and `sendsms` with the numbers in the first line there. A missing word may also be an empty one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clients/shapes/submission.h"

namespace smsd::sendsms {

struct SendsmsCall {
  std::vector<std::string> destinations = {};  // as written; none: they are in the first line of the input
  std::string text = {};
  enum class Input { unused, text, all } input = Input::unused;  // what standard input has
};

/// `words`: the arguments after the options. A word that begins with a dash is a word.
SendsmsCall callOf(const std::vector<std::string>& words);

struct SendsmsRead {
  std::vector<shapes::IncomingAlert> alerts = {};
  std::string problem = {};  // in words; then there are no alerts
};

/// `input`: the content of standard input, if the call uses it. `key`: the deduplication key of this call.
SendsmsRead alertsOf(const SendsmsCall& call, std::string_view input, const std::string& key);

}  // namespace smsd::sendsms
