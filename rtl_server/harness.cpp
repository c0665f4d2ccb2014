// Heads in one library. A head is the test bench tb with a state, a clock and a time of its own.
//
// Signals are reached through the table of public variables that Verilator keeps of every model.

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "Vhead.h"
#include "verilated.h"
#include "verilated_syms.h"

namespace {

struct Head {
    VerilatedContext context;
    Vhead model{&context, "head"};
    uint8_t* clk = nullptr;
    uint8_t* wake = nullptr;
    const uint32_t* pushed = nullptr;
    const uint32_t* delivered = nullptr;

    VerilatedVar* find(const char* scope, const char* name) {
        const VerilatedScope* found = context.scopeFind(scope);
        return found ? found->varFind(name) : nullptr;
    }

    // From one falling edge of the clock to the next.
    void cycle() {
        *clk = 1;
        model.eval();
        *clk = 0;
        model.eval();
    }
};

template <typename Word>
bool bind(Head& head, Word*& word, const char* scope, const char* name) {
    VerilatedVar* found = head.find(scope, name);
    if (found) word = static_cast<Word*>(found->datap());
    return found;
}

}  // namespace

extern "C" {

// A head before its first reset, or null if the library was built without its public variables.
void* gaincell_create() {
    auto head = std::make_unique<Head>();
    head->model.eval();
    const bool whole = bind(*head, head->clk, "head.tb", "clk")
        && bind(*head, head->wake, "head.tb.transport", "wake")
        && bind(*head, head->pushed, "head.tb.streams", "pushed")
        && bind(*head, head->delivered, "head.tb.streams", "delivered");
    return whole ? head.release() : nullptr;
}

void gaincell_destroy(void* head) { delete static_cast<Head*>(head); }

// Address of a signal, and the bytes of one of its words; null: there is no such signal.
void* gaincell_signal(void* head, const char* scope, const char* name, int* bytes) {
    VerilatedVar* found = static_cast<Head*>(head)->find(scope, name);
    if (!found) return nullptr;
    *bytes = static_cast<int>(found->entSize());
    return found->datap();
}

void gaincell_cycle(void* head) { static_cast<Head*>(head)->cycle(); }

// Run until the pulse transport wakes Python, or until every token has its result.
void gaincell_run(void* head) {
    Head& self = *static_cast<Head*>(head);
    const uint8_t before = *self.wake;
    self.model.eval();  // the pulses that Python plays are on the wires before the clock rises
    do {
        self.cycle();
    } while (*self.wake == before && *self.delivered != *self.pushed);
}
}
