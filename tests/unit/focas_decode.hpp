// Feeds the replies of a test vector through the driver's decoder: each reply block goes to the
// reads of a plan that ask just what its request block asked.
#pragma once

#include "drivers/focas/read.hpp"
#include "tests/unit/focas_plan.hpp"
#include "tests/unit/focas_vectors.hpp"

namespace rise::test {

inline bool same_question(const focas::wire::RequestBlock& a, const focas::wire::RequestBlock& b) {
  return a.device == b.device && a.path == b.path && a.command == b.command &&
         std::equal(std::begin(a.argument), std::end(a.argument), std::begin(b.argument));
}

// -> reads that got an answer. Blocks with a status are refused, as a machine does it.
inline std::size_t decode(Plan* plan, const FocasVector& vector, const focas::ControlInfo& info) {
  using namespace focas::wire;
  std::size_t decoded = 0;
  const VectorFrame* request = nullptr;
  for (const VectorFrame& frame : vector.frames) {
    if (frame.from_client) {
      request = &frame;
      continue;
    }
    Header header;
    read_header(frame.bytes, &header);
    if (request == nullptr || header.type != FrameType::DataReply) continue;
    RequestReader questions(Bytes(request->bytes).subspan(kHeaderBytes));
    ReplyReader answers(Bytes(frame.bytes).subspan(kHeaderBytes));
    RequestBlock question;
    ReplyBlock answer;
    while (questions.next(&question) && answers.next(&answer)) {
      for (const focas::Read& read : plan->sweep.reads()) {
        if (!same_question(read.block, question)) continue;
        if (answer.status == Status::Ok) {
          focas::decode_values(plan->host.abi, read, answer.data, info);
        } else {
          focas::invalidate(plan->host.abi, read);
        }
        ++decoded;
      }
    }
  }
  return decoded;
}

}  // namespace rise::test
