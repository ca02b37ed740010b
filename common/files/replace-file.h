// SPDX-License-Identifier: GPL-3.0-or-later
// Replaces a small file of smsd's own as a whole, so that a crash or a power cut leaves the old content or
// the new one. Called by all code that keeps its state in such a file.
#pragma once

#include <filesystem>
#include <string>

namespace smsd::files {

/// Writes a file `<file>.new` beside it, syncs it, and renames it. Throws std::system_error with the path if
/// that fails; `file` is then as it was, unless only the folder could not be synced.
void replaceFile(const std::filesystem::path& file, const std::string& text);

}  // namespace smsd::files
