// The test bench: a head, its token streams, the memory of its columns, the wires to its arrays.
//
// A core of heads in lock step is a head with the dimensions of all: D. Where its streams have beats,
// the test bench cuts payloads into beats and joins them; it looks into the core to see when a token,
// or a response, is whole and taken.
//
// pulse_transport turns pulses into codes and back: Python acts once per token. If Python sets
// every_cycle, it sees and drives the array wires itself in every clock cycle (reference transport).

`timescale 1ns / 1ps

module tb #(
    parameter D = 1,
    parameter KEY_BITS = 1,
    parameter VALUE_BITS = 1,
    parameter MAGNITUDE_BITS = 1,
    parameter COUNT_BITS = 1,
    parameter RESULT_BITS = 1,
    parameter TILES = 1,
    parameter TILE_BITS = 1,
    parameter COLUMN_BITS = 1,
    parameter BANKS = 1,
    parameter SYNC_STAGES = 1,
    parameter LATE_CYCLES = 0,
    parameter WINDOW = 1,
    parameter COLUMNS = 1,
    parameter SINK = 0,
    parameter TAG_BITS = 1,
    parameter COUNTER_BITS = 1,
    parameter FILL_BITS = 1,
    parameter AGE_BITS = 1,
    parameter CLEAR_CYCLES = 1,
    parameter K_WRITE_START = 1,
    parameter K_WRITE_END = 2,
    parameter V_WRITE_START = 1,
    parameter V_WRITE_END = 2,
    parameter VISIT = 0,
    parameter PATIENCE = 0,
    parameter SEGMENT = 1,
    parameter AGE_BEFORE_VISIT = 0,
    // Bits of a beat; 0: payloads are whole.
    parameter TOKEN_BEAT = 0,
    parameter RESULT_BEAT = 0,
    parameter REFRESH_BEAT = 0
);
    // TOKEN_BITS of the payload, and the lowest bit of each of its fields, as TOKEN_Q. Macros for what
    // the test bench sees inside a core with beats: no simulator takes names of what is not there.
    `include "token_layout.vh"
    localparam CODES_WIDTH = D*(KEY_BITS+VALUE_BITS);
    localparam CONTROL_WIDTH = 4 + 2*(TILE_BITS+COLUMN_BITS) + 6*BANKS;

    reg clk, rst, hold;

    wire [TOKEN_BITS-1:0] token_payload;
    wire [D*RESULT_BITS-1:0] result_payload;
    wire token_valid, token_ready, result_valid, result_ready;
    wire [31:0] cycle, accepted, delivered;
    wire unstable;

    wire [TAG_BITS+COLUMN_BITS+TILE_BITS-1:0] request_payload;
    wire [TAG_BITS+CODES_WIDTH-1:0] response_payload;
    wire request_valid, request_ready, response_valid, response_ready;
    wire [FILL_BITS-1:0] fill;
    wire [COUNTER_BITS-1:0] refreshed, dropped;
    wire [AGE_BITS-1:0] worst_age;
    wire [FILL_BITS+2*COUNTER_BITS+AGE_BITS-1:0] status = {fill, refreshed, dropped, worst_age};

    wire k_enable, k_broadcast, v_enable, v_broadcast;
    wire [TILE_BITS-1:0] k_tile, v_tile;
    wire [COLUMN_BITS-1:0] k_column, v_column;
    wire [D*KEY_BITS-1:0] k_code;
    wire [D*VALUE_BITS-1:0] v_code;
    wire [D-1:0] query;
    wire [BANKS-1:0] k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert;
    wire [TILES*D-1:0] pulse, sign;

    wire [CONTROL_WIDTH-1:0] control = {
        k_enable, k_broadcast, v_enable, v_broadcast,
        k_tile, k_column, v_tile, v_column,
        k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert
    };

    // The streams at the head, in beats or whole.
    localparam TOKEN_CODES = TOKEN_BITS - 2;
    wire [(TOKEN_BEAT ? TOKEN_BEAT + 2 : TOKEN_BITS)-1:0] head_token_payload;
    wire [(RESULT_BEAT ? RESULT_BEAT + 1 : D*RESULT_BITS)-1:0] head_result_payload;
    wire [(REFRESH_BEAT ? REFRESH_BEAT : CODES_WIDTH)+TAG_BITS-1:0] head_response_payload;
    wire head_token_valid, head_token_ready, head_result_valid, head_result_ready;
    wire head_response_valid, head_response_ready;
    wire token_broken, result_broken, response_broken;
    wire broken = token_broken | result_broken | response_broken;

    // Share of beats, of 256, before which the test bench pauses.
    reg [8:0] beat_pause;
    reg [31:0] beat_seed;

    // When a token or a response is whole and taken inside, and what it is.
    wire accept, seen_response_valid, seen_response_ready;
    wire [TOKEN_BITS-1:0] seen_token;
    wire [TAG_BITS-1:0] seen_response_tag;

    generate
        if (TOKEN_BEAT == 0) begin : whole_tokens
            assign head_token_payload = token_payload;
            assign head_token_valid = token_valid;
            assign token_ready = head_token_ready;
            assign accept = token_valid & token_ready;
            assign seen_token = token_payload;
            assign token_broken = 0;
        end else begin : token_beats
            reg begun;
            reg [TOKEN_BITS-1:0] sent;
            always @(posedge clk) begin
                if (rst) begun <= 0;
                else if (token_valid & token_ready) begun <= 1;
                if (token_valid & token_ready) sent <= token_payload;
            end
            beat_source #(
                .DATA(TOKEN_CODES), .SIDE(2), .BEAT(TOKEN_BEAT), .FEW(TOKEN_K)
            ) source (
                .clk(clk), .rst(rst), .seed(beat_seed), .pause(beat_pause),
                .whole_payload(token_payload),
                .whole_few(token_payload[TOKEN_FURTHER] & ~token_payload[TOKEN_FIRST] & begun),
                .whole_valid(token_valid), .whole_ready(token_ready),
                .beat_payload(head_token_payload), .beat_valid(head_token_valid),
                .beat_ready(head_token_ready),
                .inside_valid(`TOKEN_WHOLE(valid)), .inside_ready(`TOKEN_WHOLE(ready)),
                .waits(), .broken(token_broken)
            );
            assign accept = `TOKEN_WHOLE(valid) & `TOKEN_WHOLE(ready);
            assign seen_token = sent;
        end
        if (RESULT_BEAT == 0) begin : whole_results
            assign result_payload = head_result_payload;
            assign result_valid = head_result_valid;
            assign head_result_ready = result_ready;
            assign result_broken = 0;
        end else begin : result_beats
            beat_sink #(.DATA(D*RESULT_BITS), .BEAT(RESULT_BEAT)) sink (
                .clk(clk), .rst(rst), .seed(~beat_seed), .pause(beat_pause),
                .beat_payload(head_result_payload), .beat_valid(head_result_valid),
                .beat_ready(head_result_ready),
                .whole_payload(result_payload), .whole_valid(result_valid),
                .whole_ready(result_ready), .broken(result_broken)
            );
        end
        if (REFRESH_BEAT == 0) begin : whole_responses
            assign head_response_payload = response_payload;
            assign head_response_valid = response_valid;
            assign response_ready = head_response_ready;
            assign seen_response_valid = response_valid;
            assign seen_response_ready = response_ready;
            assign seen_response_tag = response_payload[CODES_WIDTH+:TAG_BITS];
            assign response_broken = 0;
        end else begin : response_beats
            beat_source #(.DATA(CODES_WIDTH), .SIDE(TAG_BITS), .BEAT(REFRESH_BEAT)) source (
                .clk(clk), .rst(rst), .seed(beat_seed ^ 32'h55555555), .pause(beat_pause),
                .whole_payload(response_payload), .whole_few(1'b0),
                .whole_valid(response_valid), .whole_ready(response_ready),
                .beat_payload(head_response_payload), .beat_valid(head_response_valid),
                .beat_ready(head_response_ready),
                .inside_valid(`RESPONSE_WHOLE(valid)), .inside_ready(`RESPONSE_WHOLE(ready)),
                .waits(), .broken(response_broken)
            );
            wire [CODES_WIDTH+TAG_BITS-1:0] whole = `RESPONSE_WHOLE(payload);
            assign seen_response_valid = `RESPONSE_WHOLE(valid);
            assign seen_response_ready = `RESPONSE_WHOLE(ready);
            assign seen_response_tag = whole[CODES_WIDTH+:TAG_BITS];
        end
    endgenerate

    gaincell_head head (
        .clk(clk),
        .rst(rst),
        .token_payload(head_token_payload),
        .token_valid(head_token_valid),
        .token_ready(head_token_ready),
        .result_payload(head_result_payload),
        .result_valid(head_result_valid),
        .result_ready(head_result_ready),
        .refresh_request_payload(request_payload),
        .refresh_request_valid(request_valid),
        .refresh_request_ready(request_ready),
        .refresh_response_payload(head_response_payload),
        .refresh_response_valid(head_response_valid),
        .refresh_response_ready(head_response_ready),
        .status_fill(fill),
        .status_refreshed(refreshed),
        .status_dropped(dropped),
        .status_worst_age(worst_age),
        .array_k_write_enable(k_enable),
        .array_k_write_broadcast(k_broadcast),
        .array_k_write_tile(k_tile),
        .array_k_write_column(k_column),
        .array_k_write_code(k_code),
        .array_v_write_enable(v_enable),
        .array_v_write_broadcast(v_broadcast),
        .array_v_write_tile(v_tile),
        .array_v_write_column(v_column),
        .array_v_write_code(v_code),
        .array_query(query),
        .array_k_reset(k_reset),
        .array_k_integrate(k_integrate),
        .array_k_convert(k_convert),
        .array_v_reset(v_reset),
        .array_v_integrate(v_integrate),
        .array_v_convert(v_convert),
        .array_pulse(pulse),
        .array_sign(sign)
    );

    token_streams #(
        .TOKEN_WIDTH(TOKEN_BITS),
        .RESULT_WIDTH(D*RESULT_BITS)
    ) streams (
        .clk(clk),
        .rst(rst),
        .hold(hold),
        .token_payload(token_payload),
        .token_valid(token_valid),
        .token_ready(token_ready),
        .accept(accept),
        .result_payload(result_payload),
        .result_valid(result_valid),
        .result_ready(result_ready),
        .cycle(cycle),
        .accepted(accepted),
        .delivered(delivered),
        .unstable(unstable)
    );

    column_store #(
        .KEY_WIDTH(D*KEY_BITS),
        .VALUE_WIDTH(D*VALUE_BITS),
        .WINDOW(WINDOW),
        .COLUMNS(COLUMNS),
        .SINK(SINK),
        .TILE_BITS(TILE_BITS),
        .COLUMN_BITS(COLUMN_BITS),
        .TAG_BITS(TAG_BITS)
    ) store (
        .clk(clk),
        .rst(rst),
        .accept(accept),
        .first(seen_token[TOKEN_FIRST]),
        .further(seen_token[TOKEN_FURTHER]),
        .codes({seen_token[TOKEN_V+:D*VALUE_BITS], seen_token[TOKEN_K+:D*KEY_BITS]}),
        .request_payload(request_payload),
        .request_valid(request_valid),
        .request_ready(request_ready),
        .response_payload(response_payload),
        .response_valid(response_valid),
        .response_ready(response_ready)
    );

    wire [7:0] fault;
    wire [31:0] fault_cycle, fault_slot, fault_seen, fault_wanted;
    // Python reads whole numbers: what is unknown is the largest one.
    function [31:0] known;
        input [31:0] value;
        known = ^value === 1'bx ? ~32'd0 : value;
    endfunction
    wire [135:0] watched = {
        fault, known(fault_cycle), known(fault_slot), known(fault_seen), known(fault_wanted)
    };

    column_watch #(
        .KEY_WIDTH(D*KEY_BITS),
        .VALUE_WIDTH(D*VALUE_BITS),
        .WINDOW(WINDOW),
        .COLUMNS(COLUMNS),
        .SINK(SINK),
        .TILE_BITS(TILE_BITS),
        .COLUMN_BITS(COLUMN_BITS),
        .TAG_BITS(TAG_BITS),
        .FILL_BITS(FILL_BITS),
        .COUNTER_BITS(COUNTER_BITS),
        .AGE_BITS(AGE_BITS),
        .CLEAR_CYCLES(CLEAR_CYCLES),
        .K_WRITE_START(K_WRITE_START),
        .K_WRITE_END(K_WRITE_END),
        .V_WRITE_START(V_WRITE_START),
        .V_WRITE_END(V_WRITE_END),
        .VISIT(VISIT),
        .PATIENCE(PATIENCE),
        .SEGMENT(SEGMENT),
        .AGE_BEFORE_VISIT(AGE_BEFORE_VISIT)
    ) watch (
        .clk(clk),
        .rst(rst),
        .accept(accept),
        .first(seen_token[TOKEN_FIRST]),
        .further(seen_token[TOKEN_FURTHER]),
        .codes({seen_token[TOKEN_V+:D*VALUE_BITS], seen_token[TOKEN_K+:D*KEY_BITS]}),
        .request_payload(request_payload),
        .request_valid(request_valid),
        .request_ready(request_ready),
        .response_tag(seen_response_tag),
        .response_valid(seen_response_valid),
        .response_ready(seen_response_ready),
        .k_enable(k_enable),
        .k_broadcast(k_broadcast),
        .k_tile(k_tile),
        .k_column(k_column),
        .k_code(k_code),
        .v_enable(v_enable),
        .v_broadcast(v_broadcast),
        .v_tile(v_tile),
        .v_column(v_column),
        .v_code(v_code),
        .fill(fill),
        .refreshed(refreshed),
        .dropped(dropped),
        .worst_age(worst_age),
        .fault(fault),
        .fault_cycle(fault_cycle),
        .fault_slot(fault_slot),
        .fault_seen(fault_seen),
        .fault_wanted(fault_wanted)
    );

    wire [65:0] progress = {broken, unstable, accepted, delivered};

    // As in pulse_transport, the wires follow registers that Python does not write itself: they take
    // what it wrote when it toggles driven.
    reg every_cycle, driven, driving;
    reg [TILES*D-1:0] pulse_in, sign_in, driven_pulse, driven_sign;
    always @(driven) begin
        driving = every_cycle;
        driven_pulse = pulse_in;
        driven_sign = sign_in;
    end
    wire [TILES*D-1:0] played_pulse, played_sign;
    assign pulse = driving ? driven_pulse : played_pulse;
    assign sign = driving ? driven_sign : played_sign;

    pulse_transport #(
        .D(D),
        .TILES(TILES),
        .BANKS(BANKS),
        .CONTROL_WIDTH(CONTROL_WIDTH),
        .KEY_WIDTH(D*KEY_BITS),
        .VALUE_WIDTH(D*VALUE_BITS),
        .COUNT_BITS(COUNT_BITS),
        .MAGNITUDE_BITS(MAGNITUDE_BITS),
        .SYNC_STAGES(SYNC_STAGES),
        .LATE_CYCLES(LATE_CYCLES)
    ) transport (
        .clk(clk),
        .rst(rst),
        .cycle(cycle),
        .control(control),
        .k_enable(k_enable),
        .v_enable(v_enable),
        .k_code(k_code),
        .v_code(v_code),
        .query(query),
        .k_integrate(k_integrate),
        .v_convert(v_convert),
        .pulse(played_pulse),
        .sign(played_sign)
    );

    // Python starts the clock. A clock of 0 before would be a falling edge in one simulator only.
    initial begin
        rst = 1;
        hold = 1;
        every_cycle = 0;
        driven = 0;
        driving = 0;
        pulse_in = 0;
        sign_in = 0;
        driven_pulse = 0;
        driven_sign = 0;
        beat_pause = 0;
        beat_seed = 1;
    end
endmodule
