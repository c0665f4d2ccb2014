`timescale 1ns / 1ps

module gaincell_head_tb;
//{parameters}

    // One entry for each query: cycles before it is offered and for which its result is refused,
    // whether it starts a sequence, whether it brings a key and value, the column for these, the
    // token as offered and the outputs. For each query and sub-tile: signed read-out codes, each a
    // sign above a magnitude.
    reg [31:0] idle [0:QUERIES-1], refuse [0:QUERIES-1], place [0:QUERIES-1];
    reg starts [0:QUERIES-1], writes [0:QUERIES-1];
    reg [TOKEN_BITS-1:0] token [0:QUERIES-1];
    reg [RESULT_BITS-1:0] y [0:QUERIES-1];
    reg [TILE_CODE_BITS-1:0] code [0:QUERIES*TILES-1];

    // The streams in whole payloads.
    reg clk, rst, token_valid;
    reg [TOKEN_BITS-1:0] token_payload;
    wire result_valid, result_ready;
    wire [RESULT_BITS-1:0] result_payload;
    wire request_valid, request_ready;
    wire [TAG_BITS+PLACE_BITS-1:0] request_payload;
    reg response_valid;
    reg [TAG_BITS+CODES_BITS-1:0] response_payload;

//{streams}

    // The head.
    wire [FILL_BITS-1:0] fill;
    wire [COUNTER_BITS-1:0] refreshed, dropped;
    wire [AGE_BITS-1:0] worst_age;
    wire k_enable, k_broadcast, v_enable, v_broadcast;
    wire [TILE_BITS-1:0] k_tile, v_tile;
    wire [COLUMN_BITS-1:0] k_column, v_column;
    wire [D*KEY_BITS-1:0] k_code;
    wire [D*VALUE_BITS-1:0] v_code;
    wire [D-1:0] query;
    wire [BANKS-1:0] k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert;
    reg [WIRES-1:0] pulse, sign;

    gaincell_head head (
        .clk(clk),
        .rst(rst),
        .token_payload(head_token_payload),
        .token_valid(head_token_valid),
        .token_ready(token_ready),
        .result_payload(head_result_payload),
        .result_valid(head_result_valid),
        .result_ready(head_result_ready),
        .refresh_request_payload(request_payload),
        .refresh_request_valid(request_valid),
        .refresh_request_ready(request_ready),
        .refresh_response_payload(head_response_payload),
        .refresh_response_valid(head_response_valid),
        .refresh_response_ready(response_ready),
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

    // Clock, and two runs: the first is cut off by a reset with queries in flight, and in beats in the
    // middle of a token.
    integer cycle;
    reg again;

    initial begin
        clk = 0;
        forever #0.5 clk = ~clk;
    end

    initial begin
        rst = 1;
        again = 0;
        cycle = 0;
        token_payload = 0;
    end

    always @(posedge clk) begin
        rst <= cut_off;
        again <= again | cut_off;
        cycle <= rst ? 0 : cycle + 1;
    end

    // Offers the queries. Between queries the payload has wrong values, which the head must not use.
    // The last query waits until columns were refreshed, or for as long as +wait=N says.
    reg [31:0] accepted, sent, idled, extra_idle;
    reg timed, held_back;
    wire send = (token_valid & token_sent) === 1'b1;
    wire take = (token_waits & token_ready) === 1'b1;
    wire [31:0] next = sent + {31'd0, send};
    wire [TOKEN_BITS-1:0] entering = token[accepted];
    wire [CODES_BITS-1:0] entering_codes =
        {entering[TOKEN_V+:D*VALUE_BITS], entering[TOKEN_K+:D*KEY_BITS]};

    reg unfinished;
    wire breaks_up = (head_token_valid & token_ready) === 1'b1 ? !send : unfinished;
    wire cut_off = ~again & cycle >= CUT_OFF & (breaks_up | cycle >= LATEST_CUT_OFF);

    initial begin
        extra_idle = 0;
        timed = $value$plusargs("wait=%d", extra_idle);
    end

    always @*
        if (next != QUERIES - 1) held_back = 0;
        else if (timed) held_back = idled < idle[QUERIES-1] + extra_idle;
        else held_back = REFRESH && rewrites < REFRESHES && idled < BOUND;

    always @(posedge clk) begin
        unfinished <= breaks_up & ~rst;
        if (rst) begin
            accepted <= 0;
            sent <= 0;
            token_valid <= 0;
            idled <= 0;
        end else begin
            accepted <= accepted + {31'd0, take};
            sent <= next;
            if (send | ~token_valid) begin
                token_valid <= 0;
                token_payload <= ~token_payload;
                idled <= idled + 1;
                if (next < QUERIES && !held_back && idled >= idle[next]) begin
                    token_valid <= 1;
                    token_payload <= token[next];
                    idled <= 0;
                end
            end
        end
    end

    // Takes the results.
    reg [31:0] delivered, refused;
    assign result_ready = delivered >= QUERIES || refused >= refuse[delivered];

    always @(posedge clk) begin
        if (rst) begin
            delivered <= 0;
            refused <= 0;
        end else if (result_valid) begin
            delivered <= delivered + {31'd0, result_ready};
            refused <= result_ready ? 0 : refused + 1;
        end
    end

    // Plays the arrays. It plays the codes of the query whose OUT comes next, whatever was written
    // and refreshed since then: the charges of the arrays and their ages are not modelled.
    reg [31:0] played, sample, sign_held;
    reg [TILES*TILE_CODE_BITS-1:0] codes;
    wire converting = |v_convert === 1'b1;
    integer tile, wire_index;

    always @(posedge clk) begin
        sample <= converting ? sample + 1 : 0;
        sign_held <= rst ? 0 : converting ? SYNC_STAGES : sign_held == 0 ? 0 : sign_held - 1;
        if (rst) played = 0;
        else if (sign_held == 1 && !converting) played = played + 1;
        if (|v_integrate !== 1'b0 && played < QUERIES)
            for (tile = 0; tile < TILES; tile = tile + 1)
                codes[tile*TILE_CODE_BITS+:TILE_CODE_BITS] <= code[played*TILES+tile];
    end

    always @(codes or converting or sample or sign_held)
        for (wire_index = 0; wire_index < WIRES; wire_index = wire_index + 1) begin
            pulse[wire_index] = converting && sample >= LATE_CYCLES
                && codes[wire_index*CODE_BITS+:READOUT_BITS] > sample - LATE_CYCLES;
            sign[wire_index] = codes[wire_index*CODE_BITS+READOUT_BITS]
                ^ ~(converting || sign_held != 0);
        end

    // The test bench's own belief of the columns and of the status.
    wire [7:0] fault;
    wire [31:0] fault_cycle, fault_slot, fault_seen, fault_wanted;

    gaincell_head_tb_watch #(
//{watch}
        .KEY_WIDTH(D*KEY_BITS),
        .VALUE_WIDTH(D*VALUE_BITS)
    ) watch (
        .clk(clk),
        .rst(rst),
        .accept(take),
        .first(entering[TOKEN_FIRST]),
        .further(entering[TOKEN_FURTHER]),
        .codes(entering_codes),
        .request_payload(request_payload),
        .request_valid(request_valid),
        .request_ready(request_ready),
        .response_tag(response_payload[CODES_BITS+:TAG_BITS]),
        .response_valid(response_waits),
        .response_ready(response_ready),
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

    // The memory behind the head: a copy of each column as of the latest accept. It refuses each
    // request for MEMORY_WAIT cycles, answers as many cycles later, and takes the next one then.
    reg [CODES_BITS-1:0] copies [0:PLACES-1];
    reg [31:0] left, refused_request;
    wire [31:0] asked = {{(32-PLACE_BITS){1'b0}}, request_payload[PLACE_BITS-1:0]};
    assign request_ready =
        left == 0 && !response_valid && !response_waits && refused_request >= MEMORY_WAIT;

    always @(posedge clk) begin
        if (take && writes[accepted]) copies[place[accepted]] <= entering_codes;
        refused_request <= request_valid === 1'b1 && !request_ready && !rst ? refused_request + 1 : 0;
        if (rst) begin
            left <= 0;
            response_valid <= 0;
        end else if (request_valid & request_ready) begin
            response_payload <= {request_payload[PLACE_BITS+:TAG_BITS], copies[asked]};
            response_valid <= MEMORY_WAIT == 0;
            left <= MEMORY_WAIT;
        end else if (left != 0) begin
            left <= left - 1;
            response_valid <= left == 1;
        end else if (response_valid & response_sent) begin
            response_valid <= 0;
        end
    end

//{expected}

//{checks}

//{stream_checks}

//{verdict}

//{vectors}
endmodule

//{column_watch}

//{beat_source}

//{beat_sink}
