// MIME multipart/related (RFC 2387) as SOAP services use it: an envelope with attachments beside it (SwA,
// MTOM).
//
// Pure. Called by soap.cpp. Finds the part that is the envelope and never looks at another one. An answer is
// untrusted: it is bounded before it comes here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace smsd::soap {

struct Part {
  std::string_view content;  // of the body that was given
  std::string contentType;
};

/// The root part of `body`: the one that `start` of `contentType` names, else the first. Where the
/// Content-Type does not say that it is multipart, its first line does. None: it is not multipart, or the
/// root is not there or not written as it is (base64).
std::optional<Part> rootPart(std::string_view body, std::string_view contentType);

}  // namespace smsd::soap
