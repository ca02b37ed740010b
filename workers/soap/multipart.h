// SPDX-License-Identifier: GPL-3.0-or-later
// MIME multipart/related (RFC 2387) as SOAP services use it: an envelope with attachments (SwA, MTOM).
//
// Pure. Called by soap.cpp. Finds the part that is the envelope and reads no content of other parts. An
// answer is untrusted; the caller bounds its length.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smsd::soap {

struct MimePart {
  std::string_view content;  // points into `body`
  std::string contentType;
};

/// Returns the root part of `body`: the part named by the parameter `start` of `contentType`, otherwise the
/// first. Without a multipart `contentType`, a first line that looks like a delimiter marks `body` as
/// multipart. Returns nothing when `body` is not multipart, or when the root part is missing or encoded (for
/// example, in base64).
std::optional<MimePart> rootPart(std::string_view body, std::string_view contentType);

}  // namespace smsd::soap
