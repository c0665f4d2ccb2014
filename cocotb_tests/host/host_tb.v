// The test bench of a core with a host port: Python drives the buses, and the wires of the arrays.

`timescale 1ns / 1ps

module tb #(
    parameter D = 1,
    parameter KEY_BITS = 1,
    parameter VALUE_BITS = 1,
    parameter TILES = 1,
    parameter TILE_BITS = 1,
    parameter COLUMN_BITS = 1,
    parameter BANKS = 1,
    parameter TOKEN_BEAT = 8,
    parameter RESULT_BEAT = 8,
    parameter REFRESH_BEAT = 8
);
    localparam CODES_WIDTH = D*(KEY_BITS+VALUE_BITS);
    localparam CONTROL_WIDTH = 4 + 2*(TILE_BITS+COLUMN_BITS) + 6*BANKS;

    reg clk, resetn;
    reg [31:0] cycle;
    always @(posedge clk) cycle <= cycle + 1;

    reg  [11:0] s_axil_awaddr, s_axil_araddr;
    reg  [2:0]  s_axil_awprot, s_axil_arprot;
    reg  [31:0] s_axil_wdata;
    reg  [3:0]  s_axil_wstrb;
    reg         s_axil_awvalid, s_axil_wvalid, s_axil_bready, s_axil_arvalid, s_axil_rready;
    wire        s_axil_awready, s_axil_wready, s_axil_bvalid, s_axil_arready, s_axil_rvalid;
    wire [1:0]  s_axil_bresp, s_axil_rresp;
    wire [31:0] s_axil_rdata;

    reg  [TOKEN_BEAT-1:0]   s_axis_token_tdata;
    reg  [TOKEN_BEAT/8-1:0] s_axis_token_tkeep;
    reg  [1:0]              s_axis_token_tuser;
    reg                     s_axis_token_tvalid, s_axis_token_tlast;
    wire                    s_axis_token_tready;

    wire [RESULT_BEAT-1:0]   m_axis_result_tdata;
    wire [RESULT_BEAT/8-1:0] m_axis_result_tkeep;
    wire                     m_axis_result_tvalid, m_axis_result_tlast;
    reg                      m_axis_result_tready;

    wire [31:0] m_axis_request_tdata;
    wire [7:0]  m_axis_request_tuser;
    wire        m_axis_request_tvalid, m_axis_request_tlast;
    reg         m_axis_request_tready;

    reg  [REFRESH_BEAT-1:0]   s_axis_response_tdata;
    reg  [REFRESH_BEAT/8-1:0] s_axis_response_tkeep;
    reg  [7:0]                s_axis_response_tuser;
    reg                       s_axis_response_tvalid, s_axis_response_tlast;
    wire                      s_axis_response_tready;

    wire irq;

    wire k_enable, k_broadcast, v_enable, v_broadcast;
    wire [TILE_BITS-1:0] k_tile, v_tile;
    wire [COLUMN_BITS-1:0] k_column, v_column;
    wire [D*KEY_BITS-1:0] k_code;
    wire [D*VALUE_BITS-1:0] v_code;
    wire [D-1:0] query;
    wire [BANKS-1:0] k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert;

    // What the transport reads and writes, as in the test bench of a head.
    wire [CONTROL_WIDTH-1:0] control = {
        k_enable, k_broadcast, v_enable, v_broadcast,
        k_tile, k_column, v_tile, v_column,
        k_reset, k_integrate, k_convert, v_reset, v_integrate, v_convert
    };
    reg every_cycle, driven;
    reg [TILES*D-1:0] pulse_in, sign_in;

    // A master may not take back or change what it offers: sticky, from the release of reset on.
    reg [RESULT_BEAT+RESULT_BEAT/8:0] result_offer;
    reg [40:0] request_offer;
    reg result_waits, request_waits, unstable;
    wire [RESULT_BEAT+RESULT_BEAT/8:0] result_now =
        {m_axis_result_tlast, m_axis_result_tkeep, m_axis_result_tdata};
    wire [40:0] request_now = {m_axis_request_tlast, m_axis_request_tuser, m_axis_request_tdata};

    always @(posedge clk) begin
        result_offer <= result_now;
        request_offer <= request_now;
        result_waits <= resetn & m_axis_result_tvalid & ~m_axis_result_tready;
        request_waits <= resetn & m_axis_request_tvalid & ~m_axis_request_tready;
        if (resetn & result_waits & (~m_axis_result_tvalid | result_now != result_offer))
            unstable <= 1;
        if (resetn & request_waits & (~m_axis_request_tvalid | request_now != request_offer))
            unstable <= 1;
    end

    gaincell_core dut (
        .aclk(clk),
        .aresetn(resetn),
        .s_axil_awaddr(s_axil_awaddr),
        .s_axil_awprot(s_axil_awprot),
        .s_axil_awvalid(s_axil_awvalid),
        .s_axil_awready(s_axil_awready),
        .s_axil_wdata(s_axil_wdata),
        .s_axil_wstrb(s_axil_wstrb),
        .s_axil_wvalid(s_axil_wvalid),
        .s_axil_wready(s_axil_wready),
        .s_axil_bresp(s_axil_bresp),
        .s_axil_bvalid(s_axil_bvalid),
        .s_axil_bready(s_axil_bready),
        .s_axil_araddr(s_axil_araddr),
        .s_axil_arprot(s_axil_arprot),
        .s_axil_arvalid(s_axil_arvalid),
        .s_axil_arready(s_axil_arready),
        .s_axil_rdata(s_axil_rdata),
        .s_axil_rresp(s_axil_rresp),
        .s_axil_rvalid(s_axil_rvalid),
        .s_axil_rready(s_axil_rready),
        .s_axis_token_tdata(s_axis_token_tdata),
        .s_axis_token_tkeep(s_axis_token_tkeep),
        .s_axis_token_tlast(s_axis_token_tlast),
        .s_axis_token_tuser(s_axis_token_tuser),
        .s_axis_token_tvalid(s_axis_token_tvalid),
        .s_axis_token_tready(s_axis_token_tready),
        .m_axis_result_tdata(m_axis_result_tdata),
        .m_axis_result_tkeep(m_axis_result_tkeep),
        .m_axis_result_tlast(m_axis_result_tlast),
        .m_axis_result_tvalid(m_axis_result_tvalid),
        .m_axis_result_tready(m_axis_result_tready),
        .m_axis_request_tdata(m_axis_request_tdata),
        .m_axis_request_tlast(m_axis_request_tlast),
        .m_axis_request_tuser(m_axis_request_tuser),
        .m_axis_request_tvalid(m_axis_request_tvalid),
        .m_axis_request_tready(m_axis_request_tready),
        .s_axis_response_tdata(s_axis_response_tdata),
        .s_axis_response_tkeep(s_axis_response_tkeep),
        .s_axis_response_tlast(s_axis_response_tlast),
        .s_axis_response_tuser(s_axis_response_tuser),
        .s_axis_response_tvalid(s_axis_response_tvalid),
        .s_axis_response_tready(s_axis_response_tready),
        .irq(irq),
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
        .array_pulse(pulse_in),
        .array_sign(sign_in)
    );

    initial begin
        resetn = 0;
        cycle = 0;
        every_cycle = 0;
        driven = 0;
        pulse_in = 0;
        sign_in = 0;
        unstable = 0;
    end
endmodule
