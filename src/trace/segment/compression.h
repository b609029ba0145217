#pragma once

#include "disk/compression.h"

// The room's names for how bytes are compressed and checked.
namespace ronda::trace::segment {

using disk::Compressor;
using disk::Decompressor;
using disk::Fixed32At;
using disk::Fixed64At;
using disk::Hash;
using disk::PutFixed32;
using disk::PutFixed64;

}  // namespace ronda::trace::segment
