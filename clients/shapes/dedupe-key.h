// SPDX-License-Identifier: GPL-3.0-or-later
// Deduplication keys: of fixed length from any parts, and apart for each token. Pure.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace smsd::shapes {

/// Returns `prefix` and 32 hexadecimal digits (FNV-1a of 128 bits) over the parts and their lengths. It is no
/// cryptographic hash: a client that makes two of its own alerts collide only loses one of them.
std::string keyOf(std::string_view prefix, std::initializer_list<std::string_view> parts);

/// Returns the key as smsd gets it: with the name of the token, so that no token can repeat or cancel the
/// alerts of another. Empty for an empty key.
std::string keyOfToken(std::string_view token, const std::string& key);

/// Returns a client's own key: itself if it is printable ASCII of at most maxOwnKey bytes, otherwise its
/// hash, so that no alert is refused because of the name of a service in its key.
std::string ownKey(const std::string& key);

}  // namespace smsd::shapes
