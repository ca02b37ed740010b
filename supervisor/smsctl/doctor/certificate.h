// SPDX-License-Identifier: GPL-3.0-or-later
// The expiry of a certificate in PEM.
//
// Owns the few fields of X.509 on the way to `notAfter`. Pure. Any bytes may be given; anything that is not
// such a certificate gives none. Verifies nothing: OpenSSL in the worker does.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace smsd::smsctl::doctor {

/// Returns the expiry of each certificate in the text, in its order. Certificates that cannot be read are
/// left out.
std::vector<std::chrono::sys_seconds> expiriesIn(std::string_view pem);

/// Returns the expiry of a file as it counts: of an own certificate the first one, which the others vouch
/// for; of a list of authorities the last one to expire.
enum class CertificateUse { own, authorities };
std::optional<std::chrono::sys_seconds> expiryOf(std::string_view pem, CertificateUse use);

}  // namespace smsd::smsctl::doctor
