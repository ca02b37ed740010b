// What a dispatcher's file names and a worker reads at its start: secrets, certificates, keys.
//
// Owns which keys name such a file, by the rule of smsd-dispatchers(7): those that end in `_file`, and `file`
// of `secrets`. Called by the reloader, for workers that smsd starts. Knows no kind and judges nothing: what
// cannot be read or understood is the worker's own check's to say. Gives no content away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace smsd {

/// A number for what stands in all of them, another one when any of it changes; it is kept in memory and not
/// shown. `folder`: what relative paths are relative to.
std::size_t digestOfNamedFiles(std::string_view yaml, const std::filesystem::path& folder);

}  // namespace smsd
