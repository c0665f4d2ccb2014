// Two heads with the same inputs: "bad" is high when they differ in anything that a user can see.
//
// The inputs keep the rules of docs/understand/hardware.md: pulses come in output phases, signs
// hold, a response stands and bears the tag of a request not yet answered: of a response in beats,
// the first one does. Reset is high in the first cycle, and may come at any time.

module miter (
    input clk,
    input reset,
//{free}
    output bad
);
//{wires}
    reg started = 0;
    always @(posedge clk) started <= 1;
    wire rst = reset | ~started;

    wire converts = |good_array_v_convert;
    reg converted = 0;
    reg [1:0] held = 0;
    reg [SIGNS-1:0] sign_before = 0;
    assign array_pulse = converts ? free_array_pulse : 0;
    assign array_sign = (converts & converted) | (~converts & held != 0) ? sign_before
                                                                         : free_array_sign;
    always @(posedge clk) begin
        converted <= converts;
        sign_before <= array_sign;
        held <= converts ? SYNC_STAGES : held != 0 ? held - 1 : 0;
    end

    reg [(1<<TAG_BITS)-1:0] unanswered = 0;
    reg standing = 0;
    reg [RESPONSE_BITS-1:0] stood = 0;
    wire [TAG_BITS-1:0] asked = good_refresh_request_payload[REQUEST_TAG+:TAG_BITS];
    wire [TAG_BITS-1:0] told = refresh_response_payload[RESPONSE_TAG+:TAG_BITS];
    reg [31:0] beat = 0;
    reg [TAG_BITS-1:0] told_first = 0;
    wire begins = beat == 0;
    wire ends = beat == RESPONSE_BEATS - 1;
    assign refresh_response_payload = standing ? stood : free_refresh_response_payload;
    assign refresh_response_valid = standing
        | (free_refresh_response_valid & (unanswered[told] | ~begins) & ~rst);
    always @(posedge clk) begin
        stood <= refresh_response_payload;
        standing <= ~rst & refresh_response_valid & ~good_refresh_response_ready;
        if (rst) begin
            unanswered <= 0;
            beat <= 0;
        end else begin
            if (refresh_response_valid & good_refresh_response_ready) begin
                if (begins) told_first <= told;
                if (ends) unanswered[begins ? told : told_first] <= 0;
                beat <= ends ? 0 : beat + 1;
            end
            if (good_refresh_request_valid & refresh_request_ready) unanswered[asked] <= 1;
        end
    end

    good_head good_side (
//{good}
    );
    wrong_head wrong_side (
//{wrong}
    );
    assign bad = started & (
//{differences}
    );
endmodule
