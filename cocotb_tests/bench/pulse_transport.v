// Connects the wires with Python once per token: records the wires and plays output pulses.
//
// The record holds every change of the control wires with its cycle, and the length of every query
// pulse on the wires. Python replays it through the pin model that the per-ns transport uses in
// every cycle. When an output phase begins, wake toggles at the falling edge, and Python writes the
// codes whose pulses this phase shall carry: first play, then played, which it toggles.

module pulse_transport #(
    parameter D = 1,
    parameter TILES = 1,
    parameter BANKS = 1,
    parameter CONTROL_WIDTH = 1,
    parameter KEY_WIDTH = 1,
    parameter VALUE_WIDTH = 1,
    parameter COUNT_BITS = 4,
    parameter MAGNITUDE_BITS = 4,
    parameter SYNC_STAGES = 1,
    parameter LATE_CYCLES = 0,
    parameter DEPTH_BITS = 6
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire [31:0]              cycle,
    input  wire [CONTROL_WIDTH-1:0] control,
    input  wire                     k_enable,
    input  wire                     v_enable,
    input  wire [KEY_WIDTH-1:0]     k_code,
    input  wire [VALUE_WIDTH-1:0]   v_code,
    input  wire [D-1:0]             query,
    input  wire [BANKS-1:0]         k_integrate,
    input  wire [BANKS-1:0]         v_convert,
    output reg  [TILES*D-1:0]       pulse,
    output wire [TILES*D-1:0]       sign
);
    localparam DEPTH = 1 << DEPTH_BITS;

    // Record. An entry: cycle, whether a query pulse strays outside its window, control wires.
    // A change of codes under a write enable flips a bit, so that it makes an entry too.
    reg [32+2+CONTROL_WIDTH-1:0] entries [0:DEPTH-1];
    reg [KEY_WIDTH-1:0] entry_k_code [0:DEPTH-1];
    reg [VALUE_WIDTH-1:0] entry_v_code [0:DEPTH-1];
    reg [31:0] recorded;
    reg [CONTROL_WIDTH+1:0] last;
    wire [KEY_WIDTH+VALUE_WIDTH-1:0] codes = {k_code, v_code};
    reg [KEY_WIDTH+VALUE_WIDTH-1:0] last_codes;
    reg epoch;

    // Wires may be unknown until the first reset; no unknown value may stay in the registers below.
    wire disturbed = codes !== last_codes && (k_enable | v_enable) === 1'b1;
    wire stray = |query & ~|k_integrate;
    wire [CONTROL_WIDTH+1:0] now = {epoch ^ disturbed, stray, control};

    always @(negedge clk) begin
        last_codes <= codes;
        epoch <= !rst & (epoch ^ disturbed);
        if (now != last) begin
            last <= now;
            entries[recorded[DEPTH_BITS-1:0]] <= {cycle, now};
            entry_k_code[recorded[DEPTH_BITS-1:0]] <= k_code;
            entry_v_code[recorded[DEPTH_BITS-1:0]] <= v_code;
            recorded <= recorded + 1;
        end
    end

    // Length of the query pulses of the current and of the latest complete QK phase, bit planes.
    reg [D*COUNT_BITS-1:0] counting, counted;
    reg [D*COUNT_BITS-1:0] next_count;
    reg [D-1:0] carry;
    reg integrating;
    integer bit_index;

    always @* begin
        carry = query;
        for (bit_index = 0; bit_index < COUNT_BITS; bit_index = bit_index + 1) begin
            next_count[bit_index*D+:D] = (integrating ? counting[bit_index*D+:D] : {D{1'b0}}) ^ carry;
            carry = (integrating ? counting[bit_index*D+:D] : {D{1'b0}}) & carry;
        end
    end

    always @(negedge clk) begin
        integrating <= |k_integrate;
        if (|k_integrate) counting <= next_count;
        else if (integrating) counted <= counting;
    end

    // Play. Magnitudes as bit planes, then signs; both from Python. The wires follow a register that
    // nobody else writes: a simulator computes anew in every step what follows from others' signals.
    reg [TILES*D*(MAGNITUDE_BITS+1)-1:0] play, playing;
    reg played;
    always @(played) playing = play;

    reg [MAGNITUDE_BITS-1:0] sample;
    reg [31:0] early;
    reg [1:0] sign_hold;
    reg converting;

    // Python is woken when an output phase begins, when none began for watchdog cycles, and before
    // the record overflows. wake follows request one step later, when all other changes of the
    // falling edge have settled.
    reg wake, request;
    reg [31:0] watchdog, asleep, replayed;
    integer plane;

    wire convert = |v_convert;
    wire sampled = convert & early == LATE_CYCLES;
    wire [TILES*D-1:0] signs = playing[TILES*D*MAGNITUDE_BITS+:TILES*D];
    assign sign = convert | sign_hold != 0 ? signs : ~signs;

    always @* begin
        pulse = 0;
        for (plane = 0; plane < MAGNITUDE_BITS; plane = plane + 1)
            pulse = sample[plane] ? (pulse & playing[plane*TILES*D+:TILES*D])
                                  : (pulse | playing[plane*TILES*D+:TILES*D]);
        if (!sampled | &sample) pulse = 0;
    end

    always @(posedge clk) begin
        early <= convert & early != LATE_CYCLES ? early + 1 : convert ? early : 0;
        if (!sampled) sample <= 0;
        else if (!(&sample)) sample <= sample + 1;
        if (convert) sign_hold <= SYNC_STAGES;
        else if (sign_hold != 0) sign_hold <= sign_hold - 1;
    end

    always @(negedge clk) begin
        converting <= convert;
        if ((convert & ~converting) || asleep >= watchdog || recorded - replayed >= DEPTH/2) begin
            request <= ~request;
            asleep <= 0;
            replayed <= recorded;
        end else begin
            asleep <= asleep + 1;
        end
    end

    always @(request) wake <= request;

    initial begin
        recorded = 0;
        request = 0;
        last = 0;
        last_codes = 0;
        integrating = 0;
        converting = 0;
        wake = 0;
        asleep = 0;
        replayed = 0;
        watchdog = 1000;
        sample = 0;
        early = 0;
        sign_hold = 0;
        play = 0;
        played = 0;
        playing = 0;
    end
endmodule
