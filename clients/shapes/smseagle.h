// SPDX-License-Identifier: GPL-3.0-or-later
// The three dialects of SMSEagle, a gateway that many programs speak to. Pure.
//
// v2 is JSON with lists of numbers, contacts and groups; v1 is a target with parameters; JSON-RPC is the
// calls of v1 as JSON. A contact is a group here. A sending at a later time is refused, because it would be
// sent at once.
#pragma once

#include <string_view>

#include "clients/shapes/answer.h"
#include "clients/shapes/query.h"
#include "clients/shapes/submission.h"

namespace smsd::shapes {

RequestRead readSmseagleV2(std::string_view body);
/// A list of {"status", "message", "number", "id"}; the status "queued" is success.
WebAnswer answerSmseagleV2(const SubmissionResult& result);

/// `call`: send_sms, send_togroup or send_tocontact.
RequestRead readSmseagleV1(std::string_view call, const Parameters& parameters);
/// `OK; ID=7`, or a text without OK.
WebAnswer answerSmseagleV1(const SubmissionResult& result);

struct JsonRpcCall {
  RequestRead reading;
  std::string token = {};  // params.access_token, or params.pass
  std::string id = {};     // of the call, as JSON; empty: none
  bool extended = false;   // responsetype
};
/// Never fails to return a token that is there, so that an unknown client learns nothing of the rest.
JsonRpcCall readSmseagleJsonRpc(std::string_view body);
/// {"result": [{"message_id": 7, "status": "ok"}]}.
WebAnswer answerSmseagleJsonRpc(const SubmissionResult& result, const JsonRpcCall& call);

}  // namespace smsd::shapes
